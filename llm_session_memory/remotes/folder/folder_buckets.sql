select bucket, sum(place), xor(stamp) from lines where wins and kind = 'digest' group by bucket;
