-- Promotion effect (TPC-H 2.4.14)
-- :date date 1995-09-01
SELECT
    100.00 * SUM(
        CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END
    ) / SUM(l_extendedprice * (1 - l_discount)) AS promo_revenue
FROM lineitem
JOIN part ON p_partkey = l_partkey
WHERE l_shipdate >= :date AND l_shipdate < :date + INTERVAL '1' MONTH
