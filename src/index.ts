/**
 * The public API of Sluice: everything the command line does, typed.
 *
 * ```ts
 * import { ingest, openReader } from 'sluice';
 *
 * const report = await ingest({ source: 'photos/', store: './store', loader: { labels: 'folder' } });
 * if (report.exitCode !== 0) console.error(report.byCode, report.failures);
 * ```
 */

export type { ModuleContext } from './loaders/module.ts';
export type { ModuleSourceItem } from './loaders/module-items.ts';
export type {
  Annotation,
  AnnotationEntry,
  ConceptDefinition,
  Point,
  Polygon,
  Region,
} from './model/annotation.ts';
export { CODES, type Code, type CodeInfo, codeInfo } from './model/codes.ts';
export type {
  Context,
  ExistingInput,
  Listed,
  ListingProof,
  Loader,
  Logger,
  ReadyItem,
  Sink,
  SinkResult,
  SourceItem,
} from './model/contracts.ts';
export type { Device, DeviceReport, Embedder, EmbedItem, Modality, ModelRef } from './model/embedding.ts';
export {
  FatalError,
  RejectedItemError,
  RetryableError,
  SluiceError,
  ThrottledError,
} from './model/errors.ts';
export type {
  ExporterComponent,
  ExportResult,
  ExportSource,
  ExportTarget,
  Loss,
  MediaSource,
} from './model/export.ts';
export type { Input, MediaInfo } from './model/input.ts';
export { KINDS, type Kind } from './model/kind.ts';
export type { Concept, Geo, Metadata } from './model/labels.ts';
export {
  OUTCOMES,
  type Outcome,
  type OutcomeName,
  STAGES,
  type Stage,
  type Totals,
} from './model/outcome.ts';
export type { Metric, SearchFilter } from './model/search.ts';
export { type RunOptions, runOptions } from './pipeline/config.ts';
export { type Check, type DoctorRequest, doctor } from './pipeline/doctor.ts';
export type { RunEnvironment } from './pipeline/environment.ts';
export { exportDataset } from './pipeline/export/export.ts';
export type { ExportRequest } from './pipeline/export/request.ts';
export { type InspectedItem, type InspectedSource, inspect } from './pipeline/file/inspect.ts';
export { definePipeline, type PipelineFile, type SourceEntry } from './pipeline/file/pipeline-file.ts';
export type { PipelineProblem } from './pipeline/file/problem.ts';
export { type ReadPipeline, readPipeline } from './pipeline/file/read.ts';
export { type PipelineRequest, runPipeline } from './pipeline/file/run.ts';
export { runTests, type TestResult } from './pipeline/file/tests.ts';
export type { IndexReport } from './pipeline/indexing/index-accounts.ts';
export { reindex } from './pipeline/indexing/reindex.ts';
export type { ReindexRequest } from './pipeline/indexing/reindex-request.ts';
export {
  type ListedWorkflow,
  listWorkflows,
  type NodeRequest,
  revertWorkflow,
  type SetWorkflowRequest,
  type ShownWorkflow,
  setWorkflow,
  showWorkflow,
  type WorkflowSet,
} from './pipeline/indexing/workflow.ts';
export { type IngestRequest, ingest } from './pipeline/ingest.ts';
export type { ProgressSnapshot } from './pipeline/progress.ts';
export type { RunReport } from './pipeline/report.ts';
export { type ResumeRequest, resume } from './pipeline/resume.ts';
export { type RetryRequest, retry } from './pipeline/retry.ts';
export { listRuns, pruneRuns, type RunInfo, showRun } from './pipeline/runs.ts';
export { writeSearchPage } from './pipeline/search/page/write.ts';
export type { SearchQuery, SearchRequest } from './pipeline/search/request.ts';
export type { SearchHit, SearchResult } from './pipeline/search/result.ts';
export { search } from './pipeline/search/search.ts';
export type { SourceRequest } from './pipeline/source.ts';
export type { Transform, TransformContext, TransformItem } from './pipeline/transform.ts';
export {
  type CheckOptions,
  type CompactOptions,
  type ConceptCount,
  checkStore,
  collectGarbage,
  compactStore,
  type DatasetDetails,
  type DatasetSummary,
  deleteInputs,
  type Garbage,
  type GarbageOptions,
  type ListOptions,
  type LocalReader,
  type MaintenanceOptions,
  nullSink,
  openReader,
  type StoreFinding,
  type StoreSummary,
} from './stores/index.ts';
