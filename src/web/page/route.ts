/**
 * Where in the page somebody is: the overview, the battles of a task and an agent, or one battle. It stands in the
 * address after #, so that it can be kept, sent and gone back to.
 *
 * Battles, tasks and agents are named by their places in the plan, as everywhere between server and page: names may be
 * anything, and long.
 *
 * Law: `read(write(route))` is the route; what is no route is the overview.
 */

export type Route =
  | { readonly kind: "overview" }
  | { readonly kind: "cell"; readonly task: number; readonly agent: number }
  | { readonly kind: "battle"; readonly battle: number }

/** The address of a route, from its # on. */
export const write = (route: Route): string => {
  switch (route.kind) {
    case "overview":
      return "#/"
    case "cell":
      return `#/battles/${route.task}/${route.agent}`
    case "battle":
      return `#/battle/${route.battle}`
  }
}

const battle = /^#\/battle\/(\d{1,9})$/
const cell = /^#\/battles\/(\d{1,9})\/(\d{1,9})$/

/** The route of an address, given from its # on. */
export const read = (hash: string): Route => {
  const one = battle.exec(hash)
  if (one !== null) return { kind: "battle", battle: Number(one[1]) }
  const some = cell.exec(hash)
  return some === null
    ? { kind: "overview" }
    : { kind: "cell", task: Number(some[1]), agent: Number(some[2]) }
}
