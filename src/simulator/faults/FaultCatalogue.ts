/**
 * All faults by name, in the order in which they are listed to users.
 *
 * Laws: names are unique; every example can be read; every entry has at least one action.
 */
import { engineFaultEntries } from "./EngineFaultEntries.ts"
import type { FaultEntry } from "./FaultEntry.ts"
import { serverFaultEntries } from "./ServerFaultEntries.ts"
import { wireFaultEntries } from "./WireFaultEntries.ts"

export const catalogue: ReadonlyArray<FaultEntry> = [...engineFaultEntries, ...serverFaultEntries, ...wireFaultEntries]

const byName: ReadonlyMap<string, FaultEntry> = new Map(catalogue.map((fault) => [fault.name, fault]))

export const find = (name: string): FaultEntry | undefined => byName.get(name)

/** The catalogue as data: what `--list-faults --json` prints. */
export const catalogueJson = catalogue.map((
  { example, metrics, name, outcome, parameters, scope, summary, trigger, wire }
) => ({
  name,
  summary,
  scope,
  parameters: Object.entries(parameters).map(([key, parameter]) => ({
    name: key,
    default: parameter.default,
    ...(parameter.kind === "choice" ? { choices: parameter.choices } : {}),
    meaning: parameter.meaning
  })),
  trigger,
  example,
  wire,
  metrics,
  outcome
}))
