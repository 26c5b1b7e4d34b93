import "./leads.css";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useRef, useState } from "react";
import { useColumns, useNames } from "../api/queries";
import { ActionBar } from "../bulk/ActionBar";
import { EmptyState } from "../parts/EmptyState";
import { Loading } from "../parts/Loading";
import { FocusPanel } from "./FocusPanel";
import { sent, type Tree, withAlso } from "./filter/tree";
import { BreakdownCard } from "./grid/Breakdown";
import { Foot, useLeadCount } from "./grid/Foot";
import { Grid } from "./grid/Grid";
import { HeadCell } from "./grid/HeadCell";
import { HeadMenu } from "./grid/HeadMenu";
import { type Lead, pagesKey, type Question, useLeadPages } from "./grid/useLeadPages";
import { useLive } from "./grid/useLive";
import { columnNamed } from "./grid/values";
import { choose, NOTHING, type Selection } from "./selection";
import { TopBar } from "./TopBar";
import { Troubles } from "./Troubles";
import { useColumnActions } from "./useColumnActions";
import { useLeadsState } from "./useLeadsState";
import { SaveBar } from "./views/SaveBar";
import { ViewsRail } from "./views/ViewsRail";

const ROW_HEIGHTS = { dense: 30, roomy: 42 };
/** Where the list was scrolled to, by its address, for the way back from a lead. */
const scrolledAt = new Map<string, { current: number }>();

/** The list of leads: filtered, in columns of one's own, fresh, and ready to be worked on. */
export function LeadsPage() {
  const state = useLeadsState();
  const columns = useColumns();
  const names = useNames();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [live, setLive] = useState(true);
  const [asking, setAsking] = useState<string | null>(null);
  const [place, setPlace] = useState({ row: 0, column: 1 });
  const [chosen, setChosen] = useState<{ of: string; selection: Selection }>({
    of: "",
    selection: NOTHING,
  });
  const byName = useMemo(
    () => new Map(columns.data?.columns.map((column) => [column.name, column])),
    [columns.data],
  );
  const { tree, q, sort, search } = state;
  const ready = !state.loading && tree !== undefined && columns.data !== undefined;
  const shownNames = useMemo(
    () => (search.focus ? [...new Set([state.columns[0] ?? "name", search.focus])] : state.columns),
    [search.focus, state.columns],
  );
  const question = useMemo<Question>(() => {
    const sorted = sort.length > 0 ? sort.map((key) => key.field) : ["last_modified_at"];
    const wanted = [...new Set([...shownNames, ...sorted])];
    return {
      filter: sent(tree ?? null, q).filter,
      sort,
      columns: wanted.filter((name) => byName.has(name) || name.startsWith("fields.")),
    };
  }, [tree, q, sort, byName, shownNames]);
  const filterKey = JSON.stringify(question.filter);
  const selection = chosen.of === filterKey ? chosen.selection : NOTHING;
  const setSelection = (next: Selection) => setChosen({ of: filterKey, selection: next });

  const { query, rows, start, position } = useLeadPages(question, ready);
  const count = useLeadCount(question.filter, ready);
  const moving = useLive(question, rows, live && ready);
  const { actions, widths } = useColumnActions(state);
  const address = JSON.stringify([search.view, filterKey, sort]);
  const scrolled = useRef({ current: 0 });
  if (!scrolledAt.has(address)) scrolledAt.set(address, { current: 0 });
  scrolled.current = scrolledAt.get(address) ?? scrolled.current;

  const shown = useMemo(
    () => shownNames.map((name) => columnNamed(byName, name)),
    [shownNames, byName],
  );
  const pick = (condition: Tree) => state.setTree(withAlso(tree ?? null, condition));
  const { fetchNextPage, fetchPreviousPage, isFetching, refetch } = query;
  const onNear = useCallback(
    (edge: "before" | "after" | "start") => {
      if (isFetching) return;
      if (edge === "after") fetchNextPage();
      else if (edge === "before") fetchPreviousPage();
      // Too far to go back page by page: the list is opened anew.
      else queries.resetQueries({ queryKey: pagesKey(question) });
    },
    [isFetching, fetchNextPage, fetchPreviousPage, queries, question],
  );
  const onOpen = useCallback(
    (lead: Lead) =>
      navigate({ to: "/leads/$leadId" as string, params: { leadId: lead.lead_id } as never }),
    [navigate],
  );
  const total = count.query.data?.count ?? null;

  return (
    <div className="page-fixed">
      <div className="leads-page" data-focus={search.focus !== undefined || undefined}>
        <ViewsRail state={state} />
        {search.focus && ready && (
          <FocusPanel
            column={columnNamed(byName, search.focus)}
            filter={question.filter}
            onPick={pick}
            onEnd={() => state.set({ focus: undefined })}
          />
        )}
        <div className="leads-main">
          <TopBar
            state={state}
            columns={columns.data?.columns ?? []}
            actions={actions}
            asking={asking}
            onAsking={setAsking}
            save={<SaveBar state={state} />}
          />
          <Troubles
            error={state.error ?? columns.error ?? query.error}
            syntax={state.syntax}
            text={state.filterText}
            retry={() => refetch()}
            onDiscard={() => state.set({ filter: undefined })}
          />
          {query.data === undefined ? (
            <div style={{ flex: 1, padding: "0 16px" }}>
              {query.error === null && state.syntax === null && <Loading lines={8} />}
            </div>
          ) : (
            <Grid
              key={address}
              label={state.view?.name ?? "Leads"}
              columns={shown}
              widths={widths}
              rowHeight={ROW_HEIGHTS[state.layout.rows]}
              rows={rows}
              start={start}
              total={total}
              more={{ before: start > 0, after: query.hasNextPage }}
              names={names}
              selection={selection}
              fresh={moving.fresh}
              place={place}
              onPlace={setPlace}
              scrolled={scrolled.current}
              onChoose={(ids, on) => setSelection(choose(selection, ids, on))}
              onChooseAll={() => setSelection({ mode: "all", except: new Set() })}
              onOpen={onOpen}
              onNear={onNear}
              head={(column, index, width, focusable) => (
                <HeadCell
                  key={column.name}
                  column={column}
                  index={index}
                  known={byName.has(column.name)}
                  sort={sort}
                  width={width}
                  focusable={focusable}
                  actions={actions}
                  menu={
                    <HeadMenu
                      column={column}
                      index={index}
                      focused={search.focus === column.name}
                      actions={{
                        ...actions,
                        sort: actions.sortBy,
                        filter: setAsking,
                        focus: (field) =>
                          state.set({ focus: search.focus === field ? undefined : field }),
                      }}
                    />
                  }
                  chart={(target) => (
                    <BreakdownCard column={column} filter={question.filter} onPick={pick}>
                      {target}
                    </BreakdownCard>
                  )}
                />
              )}
            />
          )}
          {query.data !== undefined && rows.length === 0 && !query.isFetching && (
            <EmptyState title="No lead matches">
              Take a condition out of the filter, or choose another view.
            </EmptyState>
          )}
          <ActionBar
            selection={selection}
            filter={question.filter}
            total={total ?? 0}
            exact={count.query.data?.exact ?? false}
            onAll={() => setSelection({ mode: "all", except: new Set() })}
            onNone={() => setSelection(NOTHING)}
          />
          <Foot
            count={count}
            position={position}
            loaded={rows.length}
            live={live}
            onLive={setLive}
            line={moving.line}
            waiting={moving.waiting}
            onShow={() => {
              moving.shown();
              refetch();
              count.query.refetch();
            }}
          />
        </div>
      </div>
    </div>
  );
}
