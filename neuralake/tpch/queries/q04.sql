-- Order priority checking (TPC-H 2.4.4)
-- :date date 1993-07-01
-- order by o_orderpriority asc
SELECT o_orderpriority, COUNT(*) AS order_count
FROM orders
WHERE
    o_orderdate >= :date
    AND o_orderdate < :date + INTERVAL '3' MONTH
    AND EXISTS (
        SELECT * FROM lineitem WHERE l_orderkey = o_orderkey AND l_commitdate < l_receiptdate
    )
GROUP BY o_orderpriority
ORDER BY o_orderpriority
