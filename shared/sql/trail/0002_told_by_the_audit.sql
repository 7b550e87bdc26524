-- Whoever runs the command has the login of the audit where the logins of services are not at hand, as in a container of its own:
-- what it does to Kafka it may tell too. It adds rows as deeds of the command, and changes none.
CREATE FUNCTION trail_way() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF session_user = (parse_ident('${audit_role}'))[1] AND NEW.way <> 'cli' THEN
        RAISE EXCEPTION 'the audit''s login tells of deeds of the command only' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$body$;
CREATE TRIGGER trail_way BEFORE INSERT ON trail FOR EACH ROW EXECUTE FUNCTION trail_way();

REVOKE ALL ON FUNCTION trail_way FROM public;
GRANT INSERT (actor, way, deed, object, reason, details) ON trail TO ${audit_role};
