/**
 * Whose a database is, and how far its tables have come, before anything of it is used or changed.
 *
 * A store is known by its tables and by the names of its steps: the database of another program is refused even if that
 * program keeps its steps as we do. A store that stands at a step we do not know is refused by name, because we cannot say
 * what it means.
 */
import * as Effect from "effect/Effect"
import { lastStep, migrations } from "./CampaignMigrations.ts"
import { StoreError, StoreErrorReason } from "./StoreError.ts"

type Row = Readonly<Record<string, unknown>>

const stepsTable = "effect_sql_migrations"

/** What there is since the first release. */
const ownTables = ["campaign", "battle", "attempt"]

/** "campaign" for the first step: what the migrator keeps of a key. */
const ownSteps = Object.keys(migrations).map((key) => key.replace(/^\d+_/, ""))

/**
 * The step at which a database stands, 0 for one without tables; `all` gives the rows of a query. Fails with `StoreError`
 * (`NotADatabase`, `Newer`) and changes nothing.
 */
export const check = Effect.fnUntraced(function*<E>(
  path: string,
  all: (sql: string) => Effect.Effect<ReadonlyArray<Row>, E>
): Effect.fn.Return<number, E | StoreError> {
  const rows = yield* all(
    "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'"
  )
  const tables = rows.map(({ name }) => String(name))
  const steps = tables.includes(stepsTable)
    ? yield* all(`SELECT migration_id, name FROM main.${stepsTable} ORDER BY migration_id`)
    : []
  // A process may have been killed between the first table and the first step.
  if (steps.length === 0 && tables.every((name) => name === stepsTable)) return 0
  const isOurs = ownTables.every((name) => tables.includes(name)) &&
    steps.length > 0 &&
    steps.every(({ migration_id, name }, index) =>
      migration_id === index + 1 && (index >= lastStep || name === ownSteps[index])
    )
  if (!isOurs) {
    const detail = `it is the database of another program, with ${tables.length} tables, ${tables[0]} among them`
    return yield* new StoreError({ reason: StoreErrorReason.cases.NotADatabase.make({ path, detail }) })
  }
  if (steps.length > lastStep) {
    return yield* new StoreError({
      reason: StoreErrorReason.cases.Newer.make({ path, step: steps.length, known: lastStep })
    })
  }
  return steps.length
})
