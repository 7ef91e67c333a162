-- Encodings: conversion of bytes, what is refused, client_encoding and COPY.
SELECT convert('\xe9'::bytea, 'latin1', 'utf8'), convert('\xe9'::bytea, 'LATIN1', 'latin1'), convert('\xf1'::bytea, 'koi8r', 'win1251');
SELECT convert_from('\xe9', 'latin1'), convert_from('\x80', 'windows-1252'), convert_from('\x93fa967b', 'sjis'), convert_from('\xc6fccbdc', 'EUC_JP'), convert_from('\xf6', 'KOI8-R'), convert_from('\x8130d033', 'gb18030') IS NOT NULL AS gb;
SELECT convert_to('é€', 'win1252'), convert_to('日本', 'sjis'), convert_to('日本', 'euc_jp'), convert_to('中', 'big5'), convert_to('中', 'gbk'), convert_to('중', 'uhc'), convert_to('Ж', 'koi8r'), convert_to('Ж', 'iso-8859-5'), convert_to('ő', 'latin2'), convert_to('€', 'latin9'), convert_to('中', 'euc_cn'), convert_to('중', 'euc_kr'), convert_to('', 'latin1');
SELECT convert_to('日', 'latin1');
SELECT convert_from('\x81', 'win1252');
SELECT convert_from('\xff', 'utf8');
SELECT convert_from('\xc3', 'utf8');
SELECT convert_from('\x6100', 'utf8');
SELECT convert_from('\x93', 'sjis');
SELECT convert_from('\x41', 'nothing');
SELECT convert_to('a', 'nothing');
SELECT convert('\x41', 'latin1', 'win1252');
SELECT length('\xe9e9'::bytea, 'latin1'), length('\x93fa967b41'::bytea, 'sjis'), length('é'::bytea, 'utf8');
SELECT length('\xe9'::bytea, 'utf8');
SELECT length('\x41'::bytea, 'nothing');
SELECT pg_char_to_encoding('iso-8859-15'), pg_char_to_encoding('Windows-1250'), pg_char_to_encoding('koi8'), pg_char_to_encoding('nothing'), pg_encoding_to_char(8), pg_encoding_max_length(39);
SELECT count(*) FROM pg_conversion WHERE condefault;
SET client_encoding = 'latin1';
SHOW client_encoding;
SELECT pg_client_encoding(), 'plain' AS plain;
SELECT chr(8364);
SELECT octet_length(chr(233)), length(chr(233));
RESET client_encoding;
SET client_encoding = 'nothing';
SET client_encoding = 'MULE_INTERNAL';
SET client_encoding = 'SQL_ASCII';
SHOW client_encoding;
SET client_encoding = 'UTF8';
CREATE TABLE encoded (t text);
INSERT INTO encoded VALUES ('plain'), ('é');
COPY encoded TO stdout (ENCODING 'sjis');
COPY encoded FROM stdin (ENCODING 'latin1');
one
two
\.
SELECT * FROM encoded;
COPY encoded TO stdout (ENCODING 'nothing');
