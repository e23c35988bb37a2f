-- Parts/supplier relationship (TPC-H 2.4.16)
-- :brand string Brand#45
-- :type string MEDIUM POLISHED
-- :sizes integers 49, 14, 23, 45, 19, 3, 36, 9
-- order by supplier_cnt desc, p_brand asc, p_type asc, p_size asc
SELECT p_brand, p_type, p_size, COUNT(DISTINCT ps_suppkey) AS supplier_cnt
FROM partsupp
JOIN part ON p_partkey = ps_partkey
WHERE
    p_brand <> :brand
    AND p_type NOT LIKE ':type%'
    AND p_size IN (:sizes)
    AND ps_suppkey NOT IN (
        SELECT s_suppkey FROM supplier WHERE s_comment LIKE '%Customer%Complaints%'
    )
GROUP BY p_brand, p_type, p_size
ORDER BY supplier_cnt DESC, p_brand, p_type, p_size
