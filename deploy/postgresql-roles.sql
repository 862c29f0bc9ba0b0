-- Two roles for a register in PostgreSQL, and what each may do. As an administrator of the server, in
-- the register's database, before the first `earlywarning` command and again after each new version
-- (it may be run as often as one likes):
--
--   sudo -u postgres psql --dbname earlywarning --set ON_ERROR_STOP=1 --file postgresql-roles.sql
--
-- earlywarning_owner  makes and changes tables: for the first command after a new version, and to restore
-- earlywarning        the service and every other command: reads and writes rows, and can neither change
--                     or remove what is in the audit, nor make, change or drop a table

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'earlywarning_owner') THEN
        CREATE ROLE earlywarning_owner LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'earlywarning') THEN
        CREATE ROLE earlywarning LOGIN;
    END IF;
    EXECUTE format('ALTER DATABASE %I OWNER TO earlywarning_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO earlywarning', current_database());
END
$$;
ALTER ROLE earlywarning NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;
ALTER ROLE earlywarning_owner NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

ALTER SCHEMA public OWNER TO earlywarning_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC, earlywarning;
GRANT USAGE ON SCHEMA public TO earlywarning;

-- What an older installation made as another role; what stands in the schema is the register's alone.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT oid::regclass AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO earlywarning_owner', one.name);
    END LOOP;
    FOR one IN
        SELECT oid::regprocedure AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO earlywarning_owner', one.name);
    END LOOP;
END
$$;

-- The tables that are there, and those of the next version.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, earlywarning;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO earlywarning;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO earlywarning;
ALTER DEFAULT PRIVILEGES FOR ROLE earlywarning_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO earlywarning;
ALTER DEFAULT PRIVILEGES FOR ROLE earlywarning_owner IN SCHEMA public
    GRANT USAGE ON SEQUENCES TO earlywarning;

-- What is only added to, and what only a new version changes.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['audit_event', 'model_event'] LOOP
        IF to_regclass('public.' || name) IS NOT NULL THEN
            EXECUTE format('REVOKE UPDATE, DELETE ON public.%I FROM earlywarning', name);
        END IF;
    END LOOP;
    IF to_regclass('public.earlywarning_alembic') IS NOT NULL THEN
        REVOKE INSERT, UPDATE, DELETE ON public.earlywarning_alembic FROM earlywarning;
    END IF;
END
$$;

COMMIT;
