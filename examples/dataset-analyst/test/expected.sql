-- What the application must print, said a second time in SQL that shares nothing with it.
-- Variables: flights, airports (paths). Each block is one query: `-- name: …`.

-- name: setup
CREATE TABLE numbered AS
  SELECT *, file_row_number + 1 AS number, date_diff('minute', date_trunc('day', date), date) AS minutes
  FROM read_parquet(getvariable('flights'), file_row_number = true);
CREATE TABLE places AS SELECT * FROM read_csv(getvariable('airports'), header = true);
CREATE TABLE lines AS
  SELECT origin, count(*) AS n, regr_slope(delay, minutes) AS slope, regr_intercept(delay, minutes) AS intercept,
    regr_r2(delay, minutes) AS r2, avg(delay) AS mean, count(DISTINCT minutes) AS times
  FROM numbered WHERE number % 30 <> 0 GROUP BY origin;
-- One time of day tells no slope: the mean is all there is to say.
UPDATE lines SET slope = 0, intercept = mean, r2 = 0 WHERE times = 1;

-- name: profile
SELECT name, count(v) AS count, (SELECT count(*) FROM numbered) - count(v) AS nulls, min(v) AS min, max(v) AS max,
  sum(v) / count(v) AS mean, sqrt((sum(v * v) - sum(v) * sum(v) / count(v)) / (count(v) - 1)) AS std,
  quantile_cont(v, 0.05) AS p5, quantile_cont(v, 0.25) AS p25, median(v) AS p50, quantile_cont(v, 0.75) AS p75,
  quantile_cont(v, 0.95) AS p95, len(list_distinct(list(v))) AS distinct
FROM (UNPIVOT (SELECT delay, distance FROM numbered) ON delay, distance INTO NAME name VALUE v)
GROUP BY name ORDER BY name;

-- name: texts
SELECT name, count(v) AS count, min(v) AS min, max(v) AS max, len(list_distinct(list(v))) AS distinct
FROM (UNPIVOT (SELECT origin, destination FROM numbered) ON origin, destination INTO NAME name VALUE v)
GROUP BY name ORDER BY name;

-- name: dates
SELECT count(date) AS count, min(date)::VARCHAR AS min, max(date)::VARCHAR AS max,
  make_timestamp((sum(epoch_us(date)) / count(*))::BIGINT)::VARCHAR AS mean,
  (SELECT count(*) FROM (SELECT DISTINCT date FROM numbered)) AS distinct,
  quantile_disc(date, 0.05)::VARCHAR AS p5, quantile_disc(date, 0.25)::VARCHAR AS p25, quantile_disc(date, 0.5)::VARCHAR AS p50,
  quantile_disc(date, 0.75)::VARCHAR AS p75, quantile_disc(date, 0.95)::VARCHAR AS p95
FROM numbered;

-- name: airport
SELECT origin AS key, (SELECT name || ', ' || city || ' ' || state FROM places WHERE iata = origin) AS place,
  count(*) AS flights, sum(delay) / count(*) AS mean, count(*) FILTER (delay > 15) / count(*) AS late
FROM numbered GROUP BY origin ORDER BY flights DESC, key;

-- name: route
SELECT origin || '-' || destination AS key,
  (SELECT city FROM places WHERE iata = origin) || ' - ' || (SELECT city FROM places WHERE iata = destination) AS place,
  count(*) AS flights, sum(delay) / count(*) AS mean, count(*) FILTER (delay > 15) / count(*) AS late
FROM numbered GROUP BY origin, destination ORDER BY flights DESC, key;

-- name: hour
SELECT lpad((minutes // 60)::VARCHAR, 2, '0') || ':00' AS key, NULL AS place,
  count(*) AS flights, sum(delay) / count(*) AS mean, count(*) FILTER (delay > 15) / count(*) AS late
FROM numbered GROUP BY key ORDER BY flights DESC, key;

-- name: month
SELECT year(date) || '-' || lpad(month(date)::VARCHAR, 2, '0') AS key, NULL AS place,
  count(*) AS flights, sum(delay) / count(*) AS mean, count(*) FILTER (delay > 15) / count(*) AS late
FROM numbered GROUP BY key ORDER BY flights DESC, key;

-- name: weekday
SELECT dayname(date) AS key, NULL AS place,
  count(*) AS flights, sum(delay) / count(*) AS mean, count(*) FILTER (delay > 15) / count(*) AS late
FROM numbered GROUP BY key ORDER BY flights DESC, key;

-- name: sampled destination
SELECT destination AS key, NULL AS place,
  count(*) AS flights, sum(delay) / count(*) AS mean, count(*) FILTER (delay > 15) / count(*) AS late
FROM numbered WHERE number % 100 = 0 GROUP BY key ORDER BY flights DESC, key;

-- name: models
SELECT origin AS airport, n, slope, intercept, r2 FROM lines ORDER BY n DESC, airport;

-- name: overall
SELECT count(*) AS n, regr_slope(delay, minutes) AS slope, regr_intercept(delay, minutes) AS intercept,
  regr_r2(delay, minutes) AS r2
FROM numbered WHERE number % 30 <> 0;

-- name: scores
SELECT count(*) AS flights, sqrt(avg((delay - expected) ** 2)) AS rmse, avg(abs(delay - expected)) AS mae,
  sqrt(avg((delay - (SELECT avg(delay) FROM numbered WHERE number % 30 <> 0)) ** 2)) AS baseline
FROM (SELECT delay, intercept + slope * minutes AS expected FROM numbered JOIN lines USING (origin) WHERE number % 30 = 0);
