-- Passages of a thread that are nearest in meaning to a vector, nearest first; sqlite-vec's function does the work.
select passage_id, 1 - vec_distance_cosine(vector, :vector) as similarity
from memory_vectors
where model = :model and thread = :thread and length(vector) = :length
order by similarity desc, passage_id desc
limit :count
