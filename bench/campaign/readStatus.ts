/**
 * A process of its own that reads where a campaign stands, as `campaign status` does, and prints it as JSON.
 *
 * The second line says how long the reading took, in milliseconds.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { performance } from "node:perf_hooks"
import * as CampaignStatus from "../../src/campaign/CampaignStatus.ts"

const began = performance.now()
const status = await Effect.runPromise(CampaignStatus.read(process.argv[2]!))
console.log(JSON.stringify(Option.getOrThrow(status)))
console.log(performance.now() - began)
