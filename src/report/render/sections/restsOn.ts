/** Where the rows are that a section was made of: the documented query of its name. */
import type { QueryId } from "../../Report.ts"
import { type Block, code, paragraph } from "../Document.ts"

export const restsOn = (...queries: ReadonlyArray<QueryId>): Block =>
  paragraph(
    `The rows behind it: ${queries.length === 1 ? "query" : "queries"} `,
    ...queries.flatMap((query, index) => [index === 0 ? "" : ", ", code(query)]),
    " in docs/export.md."
  )
