/**
 * The battles that are open at a tap, and to which of them a request belongs.
 *
 * A request that names a battle belongs to that one and to no other, open or not. A trace that is a battle's own says as
 * much. One that names an agent belongs to that agent's only battle, and one that names nothing to the only one that is
 * open. Of several it is that of the only one whose prompt it holds. What may still belong to several belongs to nobody,
 * and each of them counts it.
 */
import type { OpenBattle } from "./OpenBattle.ts"
import type { Unattributed } from "./TapEvent.ts"
import type { BattleHint } from "./TapRoute.ts"

export type Attribution =
  | { readonly battle: OpenBattle; readonly why: null }
  | { readonly battle: undefined; readonly why: Unattributed }

export class OpenBattles {
  readonly #open = new Map<string, OpenBattle>()

  readonly all = (): ReadonlyArray<OpenBattle> => Array.from(this.#open.values())

  readonly get = (battle: string): OpenBattle | undefined => this.#open.get(battle)

  readonly add = (battle: OpenBattle): void => {
    this.#open.set(battle.name.battle, battle)
  }

  /** Takes it out, unless another one of its name has come in its place. */
  readonly remove = (battle: OpenBattle): void => {
    if (this.#open.get(battle.name.battle) === battle) this.#open.delete(battle.name.battle)
  }

  /** Whose request it is. One that is shared is counted with each battle that it may belong to. */
  readonly attribute = (hint: BattleHint, mentions: (text: string) => boolean): Attribution => {
    if (hint.battle !== undefined) return named(this.#open.get(hint.battle))
    const traced = hint.trace === undefined ? undefined : this.all().find(({ name }) => name.trace === hint.trace)
    if (traced !== undefined) return named(traced)
    const candidates = hint.agent === undefined
      ? this.all()
      : this.all().filter(({ name }) => name.agent === hint.agent)
    const asked = candidates.length < 2
      ? candidates
      : candidates.filter(({ name: { prompt } }) => prompt.length > 0 && prompt.every(mentions))
    if (candidates.length > 1 && asked.length !== 1) {
      for (const battle of asked.length > 1 ? asked : candidates) battle.shared++
      return { battle: undefined, why: "shared" }
    }
    const [only] = asked
    if (only !== undefined) return named(only)
    return { battle: undefined, why: hint.agent === undefined ? "no battle" : "not open" }
  }
}

const named = (battle: OpenBattle | undefined): Attribution =>
  battle === undefined ? { battle, why: "not open" } : { battle, why: null }
