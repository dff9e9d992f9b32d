/**
 * AgentBeats' `scenario.json5`: a manifest of Amber, which wires components that are container images.
 *
 * Of it this command can run the assessment: its `assessment_config`, its roles, and the green agent and the
 * participants at the addresses that the user gives, since only Amber starts images. The component with an
 * `assessment_config` is the gateway (or, in older scenarios, the client); its bindings tell which component plays
 * which role.
 *
 * Laws: an address may be given by the role or by the name of the component. What Amber would fill in (`${config.…}`)
 * is not sent to anybody as it is written.
 */
import type { Participant } from "../AgentDefinition.ts"
import { type ConfigPath, isTable, type Table } from "./ConfigDocument.ts"
import { httpAddress } from "./httpAddress.ts"
import { addressAt } from "./readAgents.ts"
import type { Reading } from "./Reading.ts"
import type { ScenarioContext } from "./readScenarioToml.ts"
import { ADDRESS_FLAG, scenarioOf, tellRepeatedRoles } from "./scenarioSettings.ts"

/** Whether a document is such a scenario. */
export const isAmberManifest = (value: unknown): boolean => isTable(value) && "manifest_version" in value

/** A role, the component that plays it, and where that is said. */
interface Part {
  readonly role: string
  readonly component: string
  readonly path: ConfigPath
}

/** The agent under test and its task; undefined, and told, if the scenario cannot be run. */
export const readScenarioJson5 = (
  reading: Reading,
  { addresses, score }: Omit<ScenarioContext, "currentDirectory">
) => {
  const components = reading.at(["components"])
  if (!isTable(components)) {
    return reading.refuse(
      [],
      "this manifest has no components; a scenario has a gateway, a green agent and participants"
    )
  }
  const gateway = Object.keys(components).find((name) =>
    isTable(reading.at(["components", name, "config", "assessment_config"]))
  )
  if (gateway === undefined) {
    return reading.refuse(
      ["components"],
      "no component has an assessment_config, so nothing says what is assessed; write it into the config of the gateway"
    )
  }
  const base = ["components", gateway, "config"]
  const parts = partsOf(reading, gateway, base)
  const green = parts.find(({ role }) => role === "green")
  const others = parts.filter((part) => part !== green)
  tellRepeatedRoles(reading, others)
  if (green === undefined || others.length === 0) {
    return reading.refuse(
      base,
      "expected participant_roles with the green agent and at least one other, " +
        "such as { green: \"green\", purple1: \"agent\" }"
    )
  }
  tellFilledByAmber(reading, [...base, "assessment_config"])
  const missing = parts.filter((part) => addressOf(addresses, part) === undefined)
  if (missing.length > 0) {
    return reading.refuse(
      ["components"],
      "only Amber starts these components; start them by it or yourself, and say where they are: " +
        missing.map(({ role }) => ADDRESS_FLAG.replace("ROLE", role)).join(" ")
    )
  }
  const placed = parts.map((part) => ({
    part,
    url: addressAt(reading, part.path, httpAddress(addressOf(addresses, part)!))
  }))
  const address = (part: Part) => placed.find((each) => each.part === part)?.url
  const evaluator = address(green)
  const [first, ...rest] = others.flatMap((part): ReadonlyArray<Participant> => {
    const url = address(part)
    return url === undefined ? [] : [{ role: part.role, address: { url, tokenVariable: null, command: null } }]
  })
  return evaluator === undefined || first === undefined
    ? undefined
    : scenarioOf(
      { url: evaluator, tokenVariable: null, command: null },
      [first, ...rest],
      reading.at([...base, "assessment_config"]),
      score
    )
}

const addressOf = (addresses: ReadonlyMap<string, string>, { component, role }: Part): string | undefined =>
  addresses.get(role) ?? addresses.get(component)

const partsOf = (reading: Reading, gateway: string, base: ConfigPath): ReadonlyArray<Part> => {
  const sources = bindingsOf(reading)
  const boundTo = (slot: string) => sources.find(({ to }) => to === `#${gateway}.${slot}`)?.component
  const roles = reading.at([...base, "participant_roles"])
  if (isTable(roles)) {
    return Object.entries(roles).flatMap(([slot, role]) =>
      typeof role === "string"
        ? [{
          role: slot === "green" ? "green" : role,
          component: boundTo(slot) ?? role,
          path: [...base, "participant_roles", slot]
        }]
        : []
    )
  }
  const participants = reading.at([...base, "participants"])
  if (!isTable(participants)) return []
  return [
    { role: "green", component: boundTo("green") ?? "green", path: base },
    ...Object.entries(participants).map(([role, url]) => {
      const name = /^\$\{bindings\.([^.}]+)\.url\}$/.exec(String(url))?.[1]
      const component = sources.find((binding) => binding.name === name)?.component ?? role
      return { role, component, path: [...base, "participants", role] }
    })
  ]
}

interface Binding {
  /** `#gateway.green` */
  readonly to: string
  readonly component: string
  readonly name: string | undefined
}

const bindingsOf = (reading: Reading): ReadonlyArray<Binding> => {
  const bindings = reading.at(["bindings"])
  if (!Array.isArray(bindings)) return []
  return bindings.filter(isTable).flatMap(({ from, name, slot, to }: Table) =>
    typeof from === "string" && typeof to === "string"
      ? [{
        to: typeof slot === "string" ? `${to}.${slot}` : to,
        component: from.replace(/^#/, "").replace(/\..*$/, ""),
        name: typeof name === "string" ? name : undefined
      }]
      : []
  )
}

/** Tells texts that Amber would fill in. */
const tellFilledByAmber = (reading: Reading, path: ConfigPath): void => {
  const value = reading.at(path)
  if (typeof value === "string") {
    if (/\$\{[^}]*\}/.test(value)) reading.refuse(path, `${value} is filled in by Amber alone; write the value itself`)
  } else if (Array.isArray(value)) value.forEach((_, index) => tellFilledByAmber(reading, [...path, index]))
  else if (isTable(value)) { for (const key of Object.keys(value)) tellFilledByAmber(reading, [...path, key]) }
}
