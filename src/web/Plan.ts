/**
 * The plan of a campaign by numbers: its battles, tasks and agents have places from 0, and are named by these on the page.
 *
 * The place of a battle is the one that it has in the store (`position`), so it stays when a campaign is extended.
 */
import type { Battle } from "../campaign/Battle.ts"
import type { Standing } from "../campaign/CampaignEvent.ts"
import { keyOf } from "../terminal/CampaignView.ts"
import type { Named } from "./Frame.ts"

export interface Plan {
  /** Names of tasks and agents, in the order of the definition. */
  readonly tasks: ReadonlyArray<string>
  readonly agents: ReadonlyArray<string>
  readonly battles: ReadonlyArray<Named>
  /** The place of a battle; `undefined` for one that is not planned. */
  readonly placeOf: (battle: Battle) => number | undefined
  /** The battle at a place. */
  readonly battleAt: (place: number) => Battle | undefined
  /** The places of a cell's battles. */
  readonly cells: ReadonlyMap<number, ReadonlyArray<number>>
  /** The cell of a task and an agent, by their places. */
  readonly cellOf: (at: Pick<Named, "task" | "agent">) => number
}

/** The plan of a definition and its battles. */
export const make = (
  { agents, tasks }: {
    readonly agents: ReadonlyArray<{ readonly name: string }>
    readonly tasks: ReadonlyArray<{ readonly id: string }>
  },
  standings: ReadonlyArray<Pick<Standing, "battle">>
): Plan => {
  const taskPlaces = new Places(tasks.map(({ id }) => id))
  const agentPlaces = new Places(agents.map(({ name }) => name))
  const battles = standings.map(({ battle }, place): Named => ({
    battle: place,
    task: taskPlaces.of(battle.task),
    agent: agentPlaces.of(battle.agent),
    repetition: battle.repetition
  }))
  const places = new Map(standings.map(({ battle }, place) => [keyOf(battle), place]))
  const cellOf = ({ agent, task }: Pick<Named, "task" | "agent">) => task * agentPlaces.names.length + agent
  return {
    tasks: taskPlaces.names,
    agents: agentPlaces.names,
    battles,
    placeOf: (battle) => places.get(keyOf(battle)),
    battleAt: (place) => standings[place]?.battle,
    cells: Map.groupBy(battles.map(({ battle }) => battle), (place) => cellOf(battles[place]!)),
    cellOf
  }
}

class Places {
  readonly names: Array<string>
  readonly #places: Map<string, number>

  constructor(names: ReadonlyArray<string>) {
    this.names = [...names]
    this.#places = new Map(names.map((name, place) => [name, place]))
  }

  /** A name that the definition lacks comes after the others. */
  of(name: string): number {
    const known = this.#places.get(name)
    if (known !== undefined) return known
    this.#places.set(name, this.names.length)
    return this.names.push(name) - 1
  }
}
