// What a dashboard and its panels have to be. Tests write dashboards below it, as literals: then the
// compiler also finds fields that Grafana does not know.

import type { AnnotationQuery, Dashboard, DataQuery } from '@grafana/schema';
import type * as BarGauge from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Logs from '@grafana/schema/dist/esm/raw/composable/logs/panelcfg/x/LogsPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// As JSON has it: the text of an enum in the place of its name.
type Json<T> = T extends string
  ? `${T}`
  : T extends Array<infer Item>
    ? Array<Json<Item>>
    : T extends object
      ? { [Key in keyof T]: Json<T[Key]> }
      : T;

// The schema leaves to each data source what it asks: this is what Prometheus' knows.
type Prometheus = DataQuery & {
  expr: string;
  format?: 'time_series' | 'table' | 'heatmap';
  legendFormat?: string;
  interval?: string;
  instant?: boolean;
  range?: boolean;
  exemplar?: boolean;
  editorMode?: 'code' | 'builder';
};

type Annotation = AnnotationQuery<Prometheus> & { titleFormat?: string; textFormat?: string };

type Board = Json<Omit<Dashboard, 'annotations'> & { annotations?: { list?: Annotation[] } }>;

type Options = {
  bargauge: Json<BarGauge.Options>;
  heatmap: Json<Heatmap.Options>;
  logs: Json<Logs.Options>;
  stat: Json<Stat.Options>;
  'state-timeline': Json<StateTimeline.Options>;
  table: Json<Table.Options>;
  timeseries: Json<TimeSeries.Options>;
};

// What `fieldConfig.defaults.custom` may hold; the other kinds of panels have nothing of it.
type Custom = {
  table: Partial<Json<Table.FieldConfig>>;
  timeseries: Json<TimeSeries.FieldConfig>;
};

