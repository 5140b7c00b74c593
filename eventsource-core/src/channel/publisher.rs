//! The publishing side.

use super::publication::{Prepared, Publication, PublishError};
use super::sequence_id::SequenceId;
use super::shared::Shared;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Publishes to what it shares with subscriptions; dropped, it closes that.
pub(super) struct Publisher<L>(pub(super) Arc<Shared<L>>);

impl<L> Publisher<L> {
    pub(super) fn publish(
        &self,
        topic: &str,
        publication: Publication<L>,
    ) -> Result<SequenceId, PublishError> {
        let prepared = Prepared::new(publication, self.0.options.ids)?;
        self.0.publish(topic, [prepared])
    }

    pub(super) fn publish_all<P: Into<Publication<L>>>(
        &self,
        topic: &str,
        publications: impl IntoIterator<Item = P>,
    ) -> Result<Option<SequenceId>, PublishError> {
        let prepare = |publication: P| Prepared::new(publication.into(), self.0.options.ids);
        let batch: Vec<_> = publications.into_iter().map(prepare).collect::<Result<_, _>>()?;
        let is_empty = batch.is_empty();
        self.0.publish(topic, batch).map(|last| (!is_empty).then_some(last))
    }
}

impl<L> Drop for Publisher<L> {
    fn drop(&mut self) {
        self.0.close();
    }
}
