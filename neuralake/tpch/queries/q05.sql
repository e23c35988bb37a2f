-- Local supplier volume (TPC-H 2.4.5)
-- :region string ASIA
-- :date date 1994-01-01
-- order by revenue desc
SELECT n_name, SUM(l_extendedprice * (1 - l_discount)) AS revenue
FROM customer
JOIN orders ON o_custkey = c_custkey
JOIN lineitem ON l_orderkey = o_orderkey
JOIN supplier ON s_suppkey = l_suppkey AND s_nationkey = c_nationkey
JOIN nation ON n_nationkey = s_nationkey
JOIN region ON r_regionkey = n_regionkey
WHERE
    r_name = :region
    AND o_orderdate >= :date
    AND o_orderdate < :date + INTERVAL '1' YEAR
GROUP BY n_name
ORDER BY revenue DESC
