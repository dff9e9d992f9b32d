/** The engine of a campaign that names none: the simulated one of this package, on a loopback port chosen by the system. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { engineError, orUnusable } from "../campaign/CampaignError.ts"
import type { EngineParts } from "../campaign/parts/EngineParts.ts"
import { Simulator } from "../simulator/Simulator.ts"

const MODEL = "simulated-model"

/** Starts it, until the scope closes. */
export const simulatedEngine: EngineParts["Service"]["simulated"] = (name, seed) =>
  Layer.build(Simulator.layer({ host: "127.0.0.1", port: 0, seed, model: MODEL })).pipe(
    Effect.map((services) => `${Context.get(services, Simulator).url}/v1`),
    orUnusable((detail) => engineError(name, detail))
  )
