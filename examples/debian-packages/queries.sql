-- What is in it?
SELECT count(*) AS packages, sum(download_bytes) / 1048576 AS download_mib FROM package;
-- Which sections are the largest?
SELECT section, count(*) AS packages, sum(download_bytes) / 1048576 AS mib
  FROM package GROUP BY section ORDER BY mib DESC LIMIT 5;
-- What does everything lean on?
SELECT d.target, count(*) AS dependents, p.summary
  FROM dependency d JOIN package p ON p.name = d.target
 WHERE d.kind = 'depends'
 GROUP BY d.target, p.summary ORDER BY dependents DESC, d.target LIMIT 5;
-- All that installing psql's package brings along: the closure of its dependencies.
WITH RECURSIVE closure(name) AS (
    SELECT 'postgresql-client-15'::text
    UNION
    SELECT d.target FROM closure c JOIN dependency d ON d.package = c.name
     WHERE d.kind IN ('depends', 'pre-depends')
)
SELECT count(*) AS packages, sum(p.download_bytes) / 1024 AS kib
  FROM closure c JOIN package p ON p.name = c.name;
