-- What was ordered in each currency, in euros
-- order by currency asc
SELECT o.currency, COUNT(*) AS orders, SUM(o.amount * r.euros) AS euros
FROM orders o JOIN exchange_rates r ON o.currency = r.currency
GROUP BY o.currency
ORDER BY o.currency
