import type { ReactNode } from "react";
import { Loading } from "./Loading";
import { ProblemAlert } from "./ProblemAlert";

/** What is read for a page: that of TanStack Query, as far as it matters here. */
interface Read<T> {
  data: T | undefined;
  error: Error | null;
  refetch: () => unknown;
}

/** A page about one thing: its skeleton until it is read, the problem when it cannot be. */
export function Whole<T>({ read, children }: { read: Read<T>; children: (data: T) => ReactNode }) {
  return (
    <div className="page">
      {read.error !== null ? (
        <ProblemAlert error={read.error} retry={() => read.refetch()} />
      ) : read.data === undefined ? (
        <Loading lines={8} />
      ) : (
        children(read.data)
      )}
    </div>
  );
}
