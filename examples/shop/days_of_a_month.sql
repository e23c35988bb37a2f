-- What was ordered on each day of a month
-- :first date 2026-05-01
-- :last date 2026-05-31
-- order by ordered_on asc
SELECT ordered_on, COUNT(*) AS orders, SUM(amount) AS amount
FROM orders
WHERE ordered_on BETWEEN :first AND :last
GROUP BY ordered_on
ORDER BY ordered_on
