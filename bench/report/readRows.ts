/**
 * The baseline: reads every row of a store, all columns, and drops it.
 */
import { DatabaseSync } from "node:sqlite"

const database = new DatabaseSync(process.argv[2]!, { readOnly: true })
for (const table of ["campaign", "battle", "attempt", "engine_epoch"]) {
  for (const row of database.prepare(`SELECT * FROM ${table}`).iterate()) void row
}
database.close()
