const EVERY_MS = 2_000;

/**
 * How often a job is read again: every two seconds while it goes on, else not at all. Queries are
 * not read again while the tab is hidden.
 */
export function whileUnfinished<T>(goesOn: (data: T) => boolean) {
  return (query: { state: { data: T | undefined } }): number | false =>
    query.state.data !== undefined && goesOn(query.state.data) ? EVERY_MS : false;
}
