import {
  IconActivity,
  IconAddressBook,
  IconArrowsExchange,
  IconBan,
  IconBuildingCommunity,
  IconClockHour4,
  IconFileExport,
  IconFileImport,
  IconFolders,
  IconHistory,
  IconLayersIntersect,
  IconMailForward,
  IconPhoneCall,
  IconSpeakerphone,
  IconTestPipe,
  type TablerIcon,
} from "@tabler/icons-react";

/** A page of the menu. `roles`: who has it, everyone when left out. */
export interface Page {
  to: string;
  label: string;
  icon: TablerIcon;
  group: "Leads" | "Campaigns" | "Jobs" | "Proof";
  roles?: readonly string[];
  /** The letter that opens it after `g`. */
  letter: string;
}

const PEOPLE = ["admin", "auditor", "team_leader"] as const;

/** The menu, in the order it is shown. */
export const pages: readonly Page[] = [
  { to: "/leads", label: "Leads", icon: IconAddressBook, group: "Leads", letter: "l" },
  { to: "/work", label: "Work", icon: IconPhoneCall, group: "Leads", letter: "w" },
  { to: "/activity", label: "Activity", icon: IconActivity, group: "Leads", letter: "a" },
  { to: "/campaigns", label: "Campaigns", icon: IconSpeakerphone, group: "Campaigns", letter: "c" },
  { to: "/pools", label: "Pools", icon: IconFolders, group: "Campaigns", letter: "p" },
  {
    to: "/segments",
    label: "Segments",
    icon: IconLayersIntersect,
    group: "Campaigns",
    letter: "s",
  },
  {
    to: "/do-not-call",
    label: "Do not call",
    icon: IconBan,
    group: "Campaigns",
    letter: "d",
    roles: PEOPLE,
  },
  {
    to: "/bulk-jobs",
    label: "Bulk changes",
    icon: IconArrowsExchange,
    group: "Jobs",
    letter: "b",
    roles: PEOPLE,
  },
  {
    to: "/imports",
    label: "Imports",
    icon: IconFileImport,
    group: "Jobs",
    letter: "i",
    roles: PEOPLE,
  },
  { to: "/exports", label: "Exports", icon: IconFileExport, group: "Jobs", letter: "e" },
  { to: "/view-mails", label: "Mailed views", icon: IconMailForward, group: "Jobs", letter: "m" },
  {
    to: "/pasts",
    label: "Looking back",
    icon: IconHistory,
    group: "Proof",
    letter: "h",
    roles: PEOPLE,
  },
  {
    to: "/events",
    label: "The log",
    icon: IconClockHour4,
    group: "Proof",
    letter: "t",
    roles: ["admin", "auditor"],
  },
  {
    to: "/quarantine",
    label: "Quarantine",
    icon: IconTestPipe,
    group: "Proof",
    letter: "q",
    roles: ["admin", "auditor"],
  },
  {
    to: "/organisation",
    label: "Organisation",
    icon: IconBuildingCommunity,
    group: "Proof",
    letter: "o",
  },
];
