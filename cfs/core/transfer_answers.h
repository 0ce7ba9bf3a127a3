// The fields of each answer of a transfer: the part of transfer_codec.cc that has most of them.
#pragma once

#include "cfs/core/fields.h"
#include "cfs/core/transfer_codec.h"

namespace cfs {

// Field by field in the order of the table.
void write(FieldWriter& out, const SnapshotIs& value);
void read(FieldReader& in, SnapshotIs& value);
void write(FieldWriter& out, const RangesAre& value);
void read(FieldReader& in, RangesAre& value);
void write(FieldWriter& out, const EntriesAre& value);
void read(FieldReader& in, EntriesAre& value);
void write(FieldWriter& out, const BlocksAre& value);
void read(FieldReader& in, BlocksAre& value);
void write(FieldWriter& out, const RecordsAre& value);
void read(FieldReader& in, RecordsAre& value);
void write(FieldWriter& out, const FloorsAre& value);
void read(FieldReader& in, FloorsAre& value);
void write(FieldWriter& out, const PartsAre& value);
void read(FieldReader& in, PartsAre& value);

}  // namespace cfs
