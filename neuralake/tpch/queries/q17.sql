-- Small-quantity-order revenue (TPC-H 2.4.17)
-- :brand string Brand#23
-- :container string MED BOX
SELECT SUM(l_extendedprice) / 7.0 AS avg_yearly
FROM lineitem
JOIN part ON p_partkey = l_partkey
WHERE
    p_brand = :brand
    AND p_container = :container
    AND l_quantity < (SELECT 0.2 * AVG(l_quantity) FROM lineitem WHERE l_partkey = p_partkey)
