-- Readings of a month
SELECT COUNT(*) AS readings, SUM(celsius) AS total
FROM readings
WHERE day >= DATE '2025-03-01' AND day < DATE '2025-04-01'
