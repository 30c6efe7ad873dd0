/** Idempotent. Everything of the workload lives in the schema `exchange`. */
export const ledgerSchema = `
create schema if not exists exchange;
create table if not exists exchange.engine (
  only_row boolean primary key default true check (only_row),
  epoch bigint not null,
  opened_at timestamptz not null default clock_timestamp()
);
insert into exchange.engine (epoch) values (0) on conflict do nothing;
create table if not exists exchange.ledger (
  sequence bigint primary key,
  order_id text not null unique,
  account text not null,
  symbol text not null,
  side text not null check (side in ('buy', 'sell')),
  price bigint not null,
  quantity bigint not null,
  fills jsonb not null,
  engine_epoch bigint not null,
  written_at timestamptz not null default clock_timestamp()
);
create table if not exists exchange.outbox (
  order_id text not null,
  event integer not null,
  kind text not null,
  payload jsonb not null,
  primary key (order_id, event)
);
create table if not exists exchange.raw_writes (
  run text not null,
  id bigint not null,
  primary key (run, id)
);
create table if not exists exchange.probes (
  run text not null,
  id bigint not null,
  primary key (run, id)
);
`

/** Columns that say who confirmed a write: every timeline has one primary, so two that confirm are seen. */
export const confirmedBy = `
  coalesce(host(inet_server_addr()), 'local') as server,
  substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8) as timeline`
