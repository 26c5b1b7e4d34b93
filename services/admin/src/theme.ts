import { createTheme } from "@mantine/core";

/** Dense, quiet, made for a day's work in lists. */
export const theme = createTheme({
  primaryColor: "indigo",
  // Dark enough for white letters, by WCAG's 4.5 to 1.
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: "sm",
  respectReducedMotion: true,
  fontSizes: { xs: "0.72rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Liberation Sans', sans-serif",
  headings: {
    sizes: { h1: { fontSize: "1.35rem" }, h2: { fontSize: "1.1rem" }, h3: { fontSize: "0.95rem" } },
  },
  components: {
    Button: { defaultProps: { size: "sm" } },
    TextInput: { defaultProps: { size: "sm" } },
    Select: {
      defaultProps: { size: "sm", searchable: true, nothingFoundMessage: "Nothing found" },
    },
    MultiSelect: {
      defaultProps: { size: "sm", searchable: true, nothingFoundMessage: "Nothing found" },
    },
    Notification: { defaultProps: { closeButtonProps: { "aria-label": "Close" } } },
    Drawer: {
      defaultProps: {
        closeButtonProps: { "aria-label": "Close" },
        // It is a <header>, which would be told as one more banner of the page; so is a modal's.
        attributes: { header: { role: "presentation" } },
      },
    },
    Tooltip: { defaultProps: { withArrow: true } },
    Modal: {
      defaultProps: {
        overlayProps: { backgroundOpacity: 0.35 },
        closeButtonProps: { "aria-label": "Close" },
        attributes: { header: { role: "presentation" } },
      },
    },
  },
});
