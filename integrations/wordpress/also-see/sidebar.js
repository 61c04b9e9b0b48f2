// The panel “Also See” of the block editor. It asks WordPress, which asks the service.
( function () {
	const { createElement: h, useEffect, useState } = wp.element;
	const { __, sprintf } = wp.i18n;
	const { useSelect } = wp.data;
	const { Button } = wp.components;
	const PAUSE_MS = 1000;
	const nothing = { items: [], duplicates: [], body: '', problem: '' };

	async function ask( id, title, body ) {
		try {
			const data = { id, title, body };
			const answer = await wp.apiFetch( { path: '/also-see/v1/draft', method: 'POST', data } );
			return { ...answer, body, problem: '' };
		} catch ( problem ) {
			return { ...nothing, problem: problem.message };
		}
	}

	// What the draft gets, a second after the last key was pressed.
	function useLinks( id, title, body ) {
		const [ links, setLinks ] = useState( nothing );
		useEffect( () => {
			let current = true;
			const timer = setTimeout( async () => {
				const answer = title || body ? await ask( id, title, body ) : nothing;
				if ( current ) {
					setLinks( answer );
				}
			}, PAUSE_MS );
			return () => {
				current = false;
				clearTimeout( timer );
			};
		}, [ id, title, body ] );
		return links;
	}

	// Places are counted in the text that was sent, so they hold only while it is the same.
	function insert( body, anchor ) {
		const text = body.slice( 0, anchor.start_utf16 ) + anchor.html + body.slice( anchor.end_utf16 );
		wp.data.dispatch( 'core/block-editor' ).resetBlocks( wp.blocks.parse( text ) );
	}

	function Item( { item, body, isCurrent } ) {
		const { target, reason, anchor } = item;
		/* translators: a phrase of the text */
		const label = anchor && sprintf( __( 'Link “%s”', 'also-see' ), anchor.text );
		return h(
			'li',
			{},
			h( 'a', { href: target.url, target: '_blank', rel: 'noreferrer' }, target.title ),
			h( 'p', { className: 'description' }, reason.text ),
			anchor &&
				h(
					Button,
					{
						variant: 'secondary',
						disabled: ! isCurrent,
						onClick: () => insert( body, anchor ),
						style: { height: 'auto', whiteSpace: 'normal', textAlign: 'start' },
					},
					label
				)
		);
	}

	function Panel() {
		const { id, title, body } = useSelect( ( select ) => {
			const editor = select( 'core/editor' );
			return {
				id: editor.getCurrentPostId(),
				title: editor.getEditedPostAttribute( 'title' ) || '',
				body: editor.getEditedPostContent(),
			};
		}, [] );
		const links = useLinks( id, title, body );
		const isCurrent = links.body === body;
		return h(
			wp.editPost.PluginDocumentSettingPanel,
			{ name: 'also-see', title: 'Also See', className: 'also-see-panel' },
			links.problem && h( 'p', { role: 'alert' }, links.problem ),
			links.duplicates.map( ( { id: other, url, message } ) =>
				h( 'p', { key: other }, h( 'a', { href: url, target: '_blank', rel: 'noreferrer' }, message ) )
			),
			h(
				'ul',
				{},
				links.items.map( ( item ) => h( Item, { key: item.target.id, item, body: links.body, isCurrent } ) )
			),
			! links.problem && ! links.items.length && h( 'p', {}, __( 'Nothing in the archive is about this yet.', 'also-see' ) )
		);
	}

	wp.plugins.registerPlugin( 'also-see', { render: Panel, icon: null } );
} )();
