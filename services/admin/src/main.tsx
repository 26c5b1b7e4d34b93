import "@mantine/core/styles.css";
import "@mantine/dates/styles.css";
import "@mantine/notifications/styles.css";
import "./app.css";
import { MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Problem } from "./api/problem";
import { router } from "./router";
import { takeKeyFromAddress, useKey } from "./session/key";
import { SignIn } from "./session/SignIn";
import { theme } from "./theme";

/** Tries again only what may succeed later; a refusal stays one. */
function worthRetrying(failures: number, error: Error): boolean {
  return error instanceof Problem && error.retryable && failures < 2;
}

const queries = new QueryClient({
  defaultOptions: {
    queries: { retry: worthRetrying, refetchOnWindowFocus: false, staleTime: 5_000 },
    mutations: { retry: false },
  },
});

function App() {
  const key = useKey();
  if (key === null) {
    // What one user saw is not kept for the next.
    queries.clear();
    return <SignIn />;
  }
  return <RouterProvider router={router} />;
}

takeKeyFromAddress();
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto">
      <Notifications position="bottom-right" limit={4} />
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
