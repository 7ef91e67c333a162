-- The machine's own package index: tens of thousands of packages, hundreds of thousands of dependencies.
SET client_min_messages = warning; -- the first time there is nothing to drop
DROP TABLE IF EXISTS dependency;
DROP TABLE IF EXISTS package;
CREATE TABLE package (
    name           text PRIMARY KEY,
    version        text NOT NULL,
    section        text,
    priority       text,
    installed_kib  bigint,
    download_bytes bigint NOT NULL CHECK (download_bytes >= 0),
    maintainer     text,
    summary        text
);
CREATE TABLE dependency (
    package text NOT NULL,
    kind    text NOT NULL,
    target  text NOT NULL
);
