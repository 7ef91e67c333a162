-- What CREATE DATABASE is told about encodings and locales, where PostgreSQL refuses it too.
CREATE DATABASE located ENCODING 'nothing';
CREATE DATABASE located LOCALE 'xx_YY.UTF-8' TEMPLATE template0;
CREATE DATABASE located LOCALE_PROVIDER 'nobody';
