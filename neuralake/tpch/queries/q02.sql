-- Minimum cost supplier (TPC-H 2.4.2)
-- :size integer 15
-- :type string BRASS
-- :region string EUROPE
-- order by s_acctbal desc, n_name asc, s_name asc, p_partkey asc
-- limit 100
SELECT
    s_acctbal,
    s_name,
    n_name,
    p_partkey,
    p_mfgr,
    s_address,
    s_phone,
    s_comment
FROM part
JOIN partsupp ON ps_partkey = p_partkey
JOIN supplier ON s_suppkey = ps_suppkey
JOIN nation ON n_nationkey = s_nationkey
JOIN region ON r_regionkey = n_regionkey
WHERE
    p_size = :size
    AND p_type LIKE '%:type'
    AND r_name = :region
    AND ps_supplycost = (
        SELECT MIN(ps_supplycost)
        FROM partsupp
        JOIN supplier ON s_suppkey = ps_suppkey
        JOIN nation ON n_nationkey = s_nationkey
        JOIN region ON r_regionkey = n_regionkey
        WHERE ps_partkey = p_partkey AND r_name = :region
    )
ORDER BY s_acctbal DESC, n_name, s_name, p_partkey
LIMIT 100
