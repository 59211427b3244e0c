-- Passages of a thread (up to the id :until, unless it is null) that are nearest in meaning to a vector, nearest first; sqlite-vec's function does the work.
select passage_id, 1 - vec_distance_cosine(vector, :vector) as similarity
from memory_vectors
where model = :model and thread = :thread and length(vector) = :length
  and (:until is null or passage_id <= :until)
order by similarity desc, passage_id desc
limit :count
