/**
 * Questions to the server that are answered once. The browser's own connection, cookies included; never to another server.
 */
import type { Problem } from "../BattlePage.ts"

/** What was asked for, or why not, for people. */
export type Answer<A> = { readonly found: A } | { readonly problem: string }

/** Asks for JSON. Never fails: what goes wrong is a problem in words. */
export const getJson = <A>(path: string): Promise<Answer<A>> =>
  fetch(path, { headers: { accept: "application/json" } }).then(
    (answer) =>
      answer.json().then(
        (body): Answer<A> => answer.ok ? { found: body as A } : { problem: (body as Problem).error },
        () => ({ problem: `The server answered ${answer.status}.` })
      ),
    () => ({ problem: "The server does not answer." })
  )
