/**
 * The laws of the liveness logic, all of them, by name.
 *
 * They are the properties of the list in docs/liveness.md that are laws of the pure reducer: 1 to 16, 23 to 26. The
 * others are about sockets, processes and stores, and are tested where those are: 17 (the same as
 * `Stream.timeoutOrElse`) and 20 (no leak) on the operator, 18 (no token lost per hop) and 19 (sockets closed) on
 * engines and relays, 21 on retries, 22 on resume. Of 23 to 26 the part that needs no socket is here.
 *
 * Law of the laws: each of them notices some wrong reducer (test/testing/mutants.ts plants one for each).
 */
import type { Law } from "./Law.ts"
import { endLaws } from "./laws/endLaws.ts"
import { evidenceLaws } from "./laws/evidenceLaws.ts"
import { faultLaws } from "./laws/faultLaws.ts"
import { hopLaws } from "./laws/hopLaws.ts"
import { referenceLaws } from "./laws/referenceLaws.ts"
import { silenceLaws } from "./laws/silenceLaws.ts"
import { timeLaws } from "./laws/timeLaws.ts"
import { tokenLaws } from "./laws/tokenLaws.ts"

/** Every law, in the order of the list. */
export const laws: ReadonlyArray<Law> = [
  ...silenceLaws,
  ...endLaws,
  ...evidenceLaws,
  ...tokenLaws,
  ...timeLaws,
  ...hopLaws,
  ...faultLaws,
  ...referenceLaws
].toSorted((one, other) => (one.property ?? Infinity) - (other.property ?? Infinity))
