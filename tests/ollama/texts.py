"""Varied texts of four kinds, the same on every run: English prose, Python code, JSON and Japanese.

Prose is drawn sentence by sentence from the lists below, code is from the standard library, JSON is generated.
"""

from __future__ import annotations

import calendar
import csv
import heapq
import inspect
import json
import random
import shlex
import statistics
import textwrap
from collections.abc import Callable, Iterator

KINDS = ("english", "python", "json", "japanese")

_ENGLISH = """\
The bridge crosses the river just below the old ferry landing. Its northern abutment rests on granite; the southern \
one had to be piled nineteen metres into alluvial clay. Nobody had expected the clay. The survey of 1987 showed \
gravel there, and three contractors priced the job on gravel. By the time the second bore came up grey and sticky, \
the steel was already on a barge outside Setúbal. We renegotiated for eleven days, mostly about who pays for waiting.
Grandmother kept bees behind the laundry, six hives painted the colours of the tramlines. She talked to them when \
somebody died. In August the whole yard smelled of warm wax and thyme, and the postman would not come further than \
the gate. I inherited the smoker, two veils and a ledger in which every swarm since the war is written down.
To proof the dough overnight, use a quarter of the yeast and put the bowl in the coldest corner of the kitchen. It \
should double, wobble when you shake it, and smell faintly of beer. Shape it gently: you want the bubbles. A hot lid \
matters more than a hot oven, because it is the trapped steam that lets the crust stretch before it sets.
Migratory birds seem to read at least three compasses: the sun's azimuth, the rotation of the night sky, and the \
inclination of the magnetic field. Robins lose the last of these when the light is purely red. How the signal gets \
from a pair of entangled electrons in the retina to a decision about heading is still, politely put, contested.
Your second paragraph asserts what the fourth is meant to prove. Either move the definition up or drop the claim. I \
would also cut the anecdote about the senator; it is funny, but readers will remember it instead of the argument. \
Check the date of the treaty: I believe ratification took until November, which rather changes who could have known.
The committee met on Thursday and, after some discussion of biscuits, approved the minutes. Ms Okafor reported that \
the roof fund stands at £4,310, about a third of the estimate. A motion to hold a raffle was carried, with one \
abstention. It was agreed that the piano should be tuned before Easter and that nobody is to lend out the good key.
Latency went up after the deploy, yet throughput did not move. That usually means a queue somewhere has become \
longer without anything being dropped. Look at the connection pool first, then at the garbage collector. If the tail \
is worse than the median by more than a factor of five, suspect a lock. Averages will not tell you; plot percentiles.
She had never liked the harbour in winter. The cranes stood about like unemployed giraffes, and the water was the \
exact grey of her school uniform. Still, the last boat left from there, and he had promised to be on it. At ten past \
six a man came down the gangway with a cello on his back and asked, in careful English, whether this was Harwich.
Compound interest is arithmetic with patience. A pound at seven per cent doubles in ten years and a bit; most people \
guess fifteen. Fees compound just as faithfully, in the other direction. That is the whole secret, and it fits on a \
postcard, which may explain why so many books of four hundred pages have been devoted to obscuring it.
Keep the wound dry for forty-eight hours. Some redness at the edges is normal, a spreading warmth is not. Take the \
tablets with food, finish the course even if you feel better, and telephone the ward, day or night, should your \
temperature rise above thirty-eight and a half. The stitches dissolve by themselves in about a fortnight.
Glaciers do not melt evenly. Under a thin layer of soot the surface disappears twice as fast; under a thick layer of \
rubble it hardly melts at all. So the tongue in the picture, which looks filthy and doomed, has retreated less than \
its spotless neighbour. Photographs persuade, but the stakes we drilled into the ice in 2009 tell the actual story.
"""

_JAPANESE = """\
橋は古い渡し場のすぐ下流で川を渡っています。北側の橋台は花崗岩の上にありますが、南側は粘土層のため、十九メートルの杭を打ち込む必要が\
ありました。契約の変更については、来週の会議で改めて説明いたします。費用の見積もりを金曜日までに送ってください。
祖母は洗濯場の裏で蜂を飼っていました。八月になると、庭じゅうが蜜蝋とタイムの匂いに包まれます。私は古い帳簿を受け継ぎ、そこには戦後の\
すべての巣の記録が残っています。子どものころは少し怖かったのですが、今では懐かしい思い出です。
デプロイの後、レイテンシは上がりましたが、スループットは変わりませんでした。どこかのキューが長くなっている可能性があります。まずコネク\
ションプールを確認し、次にガベージコレクタのログを見てください。平均値だけを見ても原因はわかりません。
渡り鳥は少なくとも三種類の羅針盤を使うと考えられています。太陽の方位、夜空の回転、そして地磁気の傾きです。網膜で受け取った信号がどの\
ように進路の決定につながるのかは、まだ十分に解明されていません。
傷口は四十八時間ぬらさないでください。縁が少し赤くなるのは普通ですが、熱が広がる場合はすぐに病院へ電話してください。薬は食後に飲み、\
途中で良くなっても最後まで続けることが大切です。
駅前の商店街では、毎年秋に小さな祭りが開かれます。焼き芋の屋台が並び、夕方になると太鼓の音が聞こえてきます。去年は雨で中止になった\
ので、今年は皆とても楽しみにしています。
氷河は均一には溶けません。薄い煤の下では表面が二倍の速さで消え、厚い岩屑の下ではほとんど溶けないのです。写真だけでは判断できないため、\
私たちは二〇〇九年から氷に杭を打って測定を続けています。
一晩かけて生地を発酵させる場合は、酵母を四分の一に減らし、台所の一番寒い場所に置きます。翌朝、二倍に膨らんでいれば成功です。形を整\
えるときは、気泡をつぶさないように優しく扱いましょう。
"""


def _english(chance: random.Random) -> Iterator[str]:
    sentences = _ENGLISH.replace("\n", " ").replace("? ", "?. ").split(". ")
    while True:
        for sentence in chance.sample(sentences, len(sentences)):
            yield sentence.strip() + ". "


def _python(chance: random.Random) -> Iterator[str]:
    sources = [inspect.getsource(module) for module in (heapq, shlex, textwrap, statistics, csv, calendar)]
    lines = [line for source in sources for line in source.splitlines() if line.strip()]
    while True:
        start = chance.randrange(len(lines) - 6)
        yield "\n".join(lines[start : start + 6]) + "\n"


def _json(chance: random.Random) -> Iterator[str]:
    while True:
        indent = chance.choice([None, None, 2])
        record = {
            "id": f"{chance.getrandbits(64):016x}",
            "customer": {"name": chance.choice(["Ana Reis", "J. Okafor", "Zoë Lind"]), "vip": chance.random() < 0.3},
            "items": [
                {
                    "sku": f"{chance.choice('ABCX')}-{chance.randint(1, 9999):04d}",
                    "price": chance.randint(1, 9999) / 100,
                }
                for _ in range(chance.randint(1, 3))
            ],
            "created": f"2026-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}T{chance.randint(10, 23)}:05:00Z",
            "note": chance.choice([None, "leave with the porter", "", "second delivery attempt"]),
        }
        yield json.dumps(record, ensure_ascii=False, indent=indent) + "\n"


def _japanese(chance: random.Random) -> Iterator[str]:
    sentences = [sentence for sentence in _JAPANESE.replace("\n", "").split("。") if sentence]
    while True:
        for sentence in chance.sample(sentences, len(sentences)):
            yield sentence + "。"


_MAKE: dict[str, Callable[[random.Random], Iterator[str]]] = {
    "english": _english,
    "python": _python,
    "json": _json,
    "japanese": _japanese,
}


class Writer:
    """Writes texts of a kind and a length in characters, no two alike."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._flows = {kind: make(self.chance) for kind, make in _MAKE.items()}

    def text(self, kind: str, length: int) -> str:
        """Return a text of that kind with that many characters; the last piece may be cut off."""
        found = ""
        while len(found) < length:
            found += next(self._flows[kind])
        return found[:length].strip() or "?"

    def any(self, least: int, most: int) -> str:
        """Return a text of any kind; shorter lengths are more frequent."""
        length = int(least * (most / least) ** self.chance.random() ** 2.5)
        return self.text(self.chance.choice(KINDS), length)
