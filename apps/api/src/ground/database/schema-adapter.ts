import { PrismaPg } from '@prisma/adapter-pg';
import { ColumnTypeEnum, type SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { Pool, type QueryArrayConfig, type QueryArrayResult } from 'pg';
import { REACH_BOUNDS } from './connection-bounds';

/** Object ids of Postgres's one-byte type "char", which only its catalogs use, and of text. */
const CHAR_OID = 18;
const TEXT_OID = 25;

/**
 * The adapter with which the schema engine reads the catalogs. @prisma/adapter-pg 7.10 refuses columns of the type
 * "char", which the engine's own questions about tables contain: here they are read as text, and are declared as
 * characters afterwards.
 */
export class SchemaAdapter extends PrismaPg implements SqlMigrationAwareDriverAdapterFactory {
  private readonly pool: Pool;
  /** For each result, the indexes of its "char" columns. */
  private readonly charColumns = new WeakMap<object, number[]>();

  constructor(databaseUrl: string) {
    const pool = new Pool({ connectionString: databaseUrl, ...REACH_BOUNDS });
    super(pool);
    this.pool = pool;
    const query = pool.query.bind(pool) as unknown as (config: QueryArrayConfig | string) => Promise<QueryArrayResult>;
    pool.query = (async (config: QueryArrayConfig | string) => this.renamed(await query(config))) as never;
  }

  override async connect(): ReturnType<PrismaPg['connect']> {
    const adapter = await super.connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      for (const column of this.charColumns.get(result.rows) ?? [])
        result.columnTypes[column] = ColumnTypeEnum.Character;
      return result;
    };
    return adapter;
  }

  /** The engine never closes its connections, one of which holds the engine's own advisory lock. */
  async close(): Promise<void> {
    await this.pool.end();
  }

  private renamed(result: QueryArrayResult): QueryArrayResult {
    const columns = result.fields.flatMap(({ dataTypeID }, column) => (dataTypeID === CHAR_OID ? [column] : []));
    for (const column of columns) Object.assign(result.fields[column] ?? {}, { dataTypeID: TEXT_OID });
    this.charColumns.set(result.rows, columns);
    return result;
  }
}
