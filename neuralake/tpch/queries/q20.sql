-- Potential part promotion (TPC-H 2.4.20)
-- :color string forest
-- :date date 1994-01-01
-- :nation string CANADA
-- order by s_name asc
SELECT s_name, s_address
FROM supplier
JOIN nation ON n_nationkey = s_nationkey
WHERE
    n_name = :nation
    AND s_suppkey IN (
        SELECT ps_suppkey
        FROM partsupp
        WHERE
            ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE ':color%')
            AND ps_availqty > (
                SELECT 0.5 * SUM(l_quantity)
                FROM lineitem
                WHERE
                    l_partkey = ps_partkey
                    AND l_suppkey = ps_suppkey
                    AND l_shipdate >= :date
                    AND l_shipdate < :date + INTERVAL '1' YEAR
            )
    )
ORDER BY s_name
