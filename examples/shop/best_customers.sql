-- Who placed the most large orders
-- order by orders desc, name asc
-- limit 3
SELECT c.name, COUNT(*) AS orders
FROM large_orders o JOIN customers c ON o.customer_id = c.customer_id
GROUP BY c.name
ORDER BY orders DESC, c.name
LIMIT 3
