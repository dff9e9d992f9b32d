/**
 * What a comparison of two campaigns cannot say, and what else than their agents may make them differ: sentences.
 */
import type { Shared } from "./compareReports.ts"
import type { Header, Report } from "./Report.ts"

/** Names that are told; the rest is counted. */
const MOST_NAMES = 5

/** What cannot be compared, and why. */
export const notComparedOf = (first: Report, second: Report, shared: Shared): ReadonlyArray<string> => {
  const statements: Array<string> = []
  const [ours, theirs] = [taskPrints(first.header), taskPrints(second.header)]
  const sameName = [...ours.keys()].filter((id) => theirs.has(id))
  const changed = sameName.filter((id) => ours.get(id) !== theirs.get(id))
  const only = (some: Iterable<string>, others: ReadonlyMap<string, string>) =>
    [...some].filter((id) => !others.has(id))
  const [onlyFirst, onlySecond] = [only(ours.keys(), theirs), only(theirs.keys(), ours)]
  if (changed.length > 0) {
    statements.push(`${tasks(changed)}: another prompt, grader or judge under the same name.`)
  }
  if (onlyFirst.length > 0) statements.push(`${tasks(onlyFirst)}: only in the first campaign.`)
  if (onlySecond.length > 0) statements.push(`${tasks(onlySecond)}: only in the second campaign.`)
  if (!shared.areTasksSame) {
    statements.push("TTFT and E2E: they depend on what was asked, and the tasks are not the same.")
  }
  if (!shared.isOverallAlike) {
    statements.push("Overall scores and latencies: the campaigns have other agents, so these would compare mixtures.")
  }
  const unlike = [...agentsOnlyIn(first.header, shared), ...agentsOnlyIn(second.header, shared)]
  if (unlike.length > 0 && !(shared.isOverallAlike && shared.agents.length === 0)) {
    statements.push(`${plural("Agent", unlike)} ${listed(unlike)}: only in one of the campaigns.`)
  }
  return statements
}

/** What else differs. */
export const cautionsOf = (first: Report, second: Report, shared: Shared): ReadonlyArray<string> => {
  const [one, other] = [first.header, second.header]
  const statements: Array<string> = []
  const differs = (what: string, of: (report: Report) => string) => {
    const [left, right] = [of(first), of(second)]
    if (left !== right) statements.push(`${what}: ${left} in the first, ${right} in the second.`)
  }
  if (shared.isOverallAlike && shared.agents.length === 0) {
    differs("Agent", ({ header }) => header.agents[0]?.name ?? "none")
  }
  const modelOf = (header: Header, name: string) =>
    header.agents.find((agent) => agent.name === name)?.model ?? "not named"
  for (const name of shared.agents) {
    const [left, right] = [modelOf(one, name), modelOf(other, name)]
    if (left !== right) statements.push(`Model of ${name}: ${left} in the first, ${right} in the second.`)
  }
  differs(
    "Served models",
    ({ epochs }) =>
      listed([...new Set(epochs.rows.flatMap(({ epoch }) => epoch === null ? [] : [epoch.modelId]))].toSorted())
  )
  differs("Repetitions of a task", ({ header }) => String(header.repetitions))
  differs(
    "Most time an attempt may take",
    ({ header: { hardCapMillis } }) => hardCapMillis === null ? "no cap" : `${hardCapMillis / 1000} s`
  )
  differs("Stall policy", ({ header }) => header.stallPolicy)
  differs(
    "How agents were followed",
    ({ summary: { modes } }) =>
      listed(Object.entries(modes).filter(([, attempts]) => attempts > 0).map(([mode]) => mode).toSorted())
  )
  differs(
    "What numbers of tokens rest on",
    ({ latencies: { overall: { basis } } }) =>
      listed(Object.entries(basis).filter(([, attempts]) => attempts > 0).map(([name]) => name).toSorted())
  )
  for (const [name, { header, summary }] of [["first", first], ["second", second]] as const) {
    const { pending, planned } = summary.battles
    if (pending > 0) {
      statements.push(
        `The ${name} campaign is not finished: ${pending} of ${planned} battles are pending${
          header.isRunning ? ", and it runs" : ""
        }.`
      )
    }
  }
  return statements
}

const taskPrints = ({ tasks }: Header): ReadonlyMap<string, string> =>
  new Map(tasks.map(({ fingerprint, id }) => [id, fingerprint]))

const agentsOnlyIn = ({ agents }: Header, shared: Shared): ReadonlyArray<string> =>
  agents.map(({ name }) => name).filter((name) => !shared.agents.includes(name))

const plural = (word: string, names: ReadonlyArray<string>): string => names.length === 1 ? word : `${word}s`

const tasks = (names: ReadonlyArray<string>): string => `${plural("Task", names)} ${listed(names)}`

const listed = (names: ReadonlyArray<string>): string => {
  if (names.length === 0) return "none"
  const told = names.slice(0, MOST_NAMES)
  const more = names.length - told.length
  return more === 0 ? told.join(", ") : `${told.join(", ")} and ${more} more`
}
