-- Customer distribution (TPC-H 2.4.13)
-- :word1 string special
-- :word2 string requests
-- order by custdist desc, c_count desc
SELECT c_count, COUNT(*) AS custdist
FROM (
    SELECT c_custkey, COUNT(o_orderkey) AS c_count
    FROM customer
    LEFT OUTER JOIN orders
        ON o_custkey = c_custkey AND o_comment NOT LIKE '%:word1%:word2%'
    GROUP BY c_custkey
) AS c_orders
GROUP BY c_count
ORDER BY custdist DESC, c_count DESC
