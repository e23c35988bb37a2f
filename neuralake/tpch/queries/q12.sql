-- Shipping modes and order priority (TPC-H 2.4.12)
-- :shipmode1 string MAIL
-- :shipmode2 string SHIP
-- :date date 1994-01-01
-- order by l_shipmode asc
SELECT
    l_shipmode,
    SUM(
        CASE WHEN o_orderpriority = '1-URGENT' OR o_orderpriority = '2-HIGH' THEN 1 ELSE 0 END
    ) AS high_line_count,
    SUM(
        CASE WHEN o_orderpriority <> '1-URGENT' AND o_orderpriority <> '2-HIGH' THEN 1 ELSE 0 END
    ) AS low_line_count
FROM orders
JOIN lineitem ON l_orderkey = o_orderkey
WHERE
    l_shipmode IN (:shipmode1, :shipmode2)
    AND l_commitdate < l_receiptdate
    AND l_shipdate < l_commitdate
    AND l_receiptdate >= :date
    AND l_receiptdate < :date + INTERVAL '1' YEAR
GROUP BY l_shipmode
ORDER BY l_shipmode
