-- Forecasting revenue change (TPC-H 2.4.6)
-- :date date 1994-01-01
-- :discount decimal 0.06
-- :quantity integer 24
SELECT SUM(l_extendedprice * l_discount) AS revenue
FROM lineitem
WHERE
    l_shipdate >= :date
    AND l_shipdate < :date + INTERVAL '1' YEAR
    AND l_discount BETWEEN :discount - 0.01 AND :discount + 0.01
    AND l_quantity < :quantity
