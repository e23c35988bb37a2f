-- Shipping priority (TPC-H 2.4.3)
-- :segment string BUILDING
-- :date date 1995-03-15
-- order by revenue desc, o_orderdate asc
-- limit 10
SELECT
    l_orderkey,
    SUM(l_extendedprice * (1 - l_discount)) AS revenue,
    o_orderdate,
    o_shippriority
FROM customer
JOIN orders ON o_custkey = c_custkey
JOIN lineitem ON l_orderkey = o_orderkey
WHERE c_mktsegment = :segment AND o_orderdate < :date AND l_shipdate > :date
GROUP BY l_orderkey, o_orderdate, o_shippriority
ORDER BY revenue DESC, o_orderdate
LIMIT 10
