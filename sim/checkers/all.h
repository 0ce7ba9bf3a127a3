// Every checker of a run.
#pragma once

#include "sim/checkers/configurations.h"
#include "sim/checkers/durability.h"
#include "sim/checkers/exchange.h"
#include "sim/checkers/file_authority.h"
#include "sim/checkers/file_convergence.h"
#include "sim/checkers/file_fail_stop.h"
#include "sim/checkers/file_history.h"
#include "sim/checkers/file_order.h"
#include "sim/checkers/file_transfer.h"
#include "sim/checkers/groups.h"
#include "sim/checkers/message_order.h"
#include "sim/checkers/quorum.h"
#include "sim/checkers/release.h"
#include "sim/checkers/rotation.h"
#include "sim/checkers/safe_delivery.h"
#include "sim/checkers/safe_line.h"
#include "sim/checkers/seal.h"
#include "sim/checkers/silence.h"
#include "sim/checkers/token_order.h"
#include "sim/checkers/virtual_synchrony.h"
#include "sim/options.h"
#include "sim/recorder.h"

namespace sim {

inline void add_all_checkers(Recorder& recorder, const Options& options) {
    const Ledger& ledger = recorder.ledger();
    recorder.add_checker<MessageOrder>(ledger, options.nodes, Seq{options.ring.first_seq});
    recorder.add_checker<VirtualSynchrony>(options.nodes);
    recorder.add_checker<Configurations>(options.nodes);
    recorder.add_checker<SafeDelivery>(ledger, options.nodes);
    recorder.add_checker<Release>(ledger);
    recorder.add_checker<SafeLineTruth>(ledger, options.nodes);
    recorder.add_checker<Exchange>(ledger, options.nodes);
    recorder.add_checker<TokenOrder>();
    recorder.add_checker<Rotation>(ledger, options);
    recorder.add_checker<Durability>(options.nodes);
    recorder.add_checker<Silence>(options.nodes);
    recorder.add_checker<Seal>(options.nodes);
    recorder.add_checker<Quorum>(options);
    recorder.add_checker<Groups>();
    recorder.add_checker<FileConvergence>(recorder.files());
    recorder.add_checker<FileHistory>(recorder.files());
    recorder.add_checker<FileOrder>(recorder.files(), options.nodes);
    recorder.add_checker<FileAuthority>(recorder.files());
    recorder.add_checker<FileTransfer>(recorder.files());
    recorder.add_checker<FileFailStop>(options.nodes);
}

}  // namespace sim
