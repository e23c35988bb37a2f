-- The coldest places
-- order by mean asc, place asc
-- limit 10
SELECT s.place, CAST(SUM(r.celsius) AS DOUBLE) / COUNT(*) AS mean
FROM readings AS r
JOIN sensors AS s ON s.sensor_id = r.sensor_id
GROUP BY s.place
ORDER BY mean, place
LIMIT 10
