/** lbcap as a library: tell the clients on a loopback apart, live or from capture files. */
export { LbcapError, exitStatusOf } from './errors.js';
export type { ErrorCode, ErrorDetails } from './errors.js';

export type { Sequence } from './sequence.js';
export { parseLabel, parseLabelOption, parseLabels } from './labels/parse.js';
export { compileLookup } from './labels/lookup.js';
export type { LabelLookup } from './labels/lookup.js';
export type { AddressBytes, Endpoint, Label } from './labels/label.js';

export { bpfFilter } from './filters/bpf.js';
export { captureFilter } from './filters/capture.js';
export { displayFilter } from './filters/wireshark.js';

export { createArena, createArenaOf } from './packet/arena.js';
export type { Arena, Region } from './packet/arena.js';
export { Cursors } from './packet/cursors.js';
export type { Batch, BatchFormat } from './packet/batch.js';
export type { SourceCounters } from './packet/counters.js';
export { linkLayerOf, linkTypes } from './packet/link-layer.js';
export type { LinkLayer } from './packet/link-layer.js';

export { openFileInput } from './sources/file-input.js';
export { StreamInput } from './sources/stream-input.js';
export type { ByteInput } from './sources/byte-input.js';
export { openCapture } from './sources/open.js';
export type { OpenOptions } from './sources/open.js';
export { fileRegionSizes } from './sources/window.js';
export { liveRegionSizes, openLive } from './sources/live.js';
export type { LiveOptions } from './sources/live.js';
export type { Source } from './sources/source.js';

export { plainWalkSize } from './plain-walk.js';
export { countOf } from './label-counters.js';
export type { LabelTraffic, Traffic } from './label-counters.js';
export { Classifier } from './classify.js';
export type { ClassifierOptions, PacketObserver } from './classify.js';
export type { RunSink } from './runs.js';
export { fileHeader } from './formats/pcap.js';
export { FlowTable } from './sinks/flows.js';
export { compressions, openCompression } from './sinks/compression.js';
export type { Compression, CompressionName } from './sinks/compression.js';
export { pcapFormat } from './sinks/file-format.js';
export type { FileFormat } from './sinks/file-format.js';
export { LabelFiles } from './sinks/label-files.js';
export type { LabelFilesOptions } from './sinks/label-files.js';
export type { Output, WrittenFile } from './sinks/output.js';
export { encodingRegionSize, PcapngFiles } from './sinks/pcapng-files.js';
export type { PcapngFilesOptions } from './sinks/pcapng-files.js';
export type { PcapngOptions } from './sinks/pcapng-sections.js';
export { PcapngStream } from './sinks/pcapng-stream.js';
export type { PcapngStreamOptions } from './sinks/pcapng-stream.js';
export type { Rotation } from './sinks/rotation.js';
export { slotSizes } from './sinks/slots.js';
export { StreamWriter } from './sinks/stream-writer.js';
export type { NearLimit } from './loopback/port-limit.js';
export type { LabelSnapshot, Snapshot, TcpHealth } from './sinks/snapshot.js';
export { takeSnapshot } from './sinks/statistics.js';

export { findCaptures } from './handover/capture-paths.js';
export type { CapturePath } from './handover/capture-paths.js';
export { makeReport } from './handover/make-report.js';
export type { MadeReport, ReportOptions } from './handover/make-report.js';
export { reportMarkdown } from './handover/markdown.js';
export type {
  Report,
  ReportedChain,
  ReportedEnd,
  ReportedFile,
  ReportedHop,
  ReportedLabel,
} from './handover/report.js';

export { runPipeline } from './pipeline.js';
export type { PipelineOptions, PipelineResult } from './pipeline.js';
