"""The fields of ChatGPT's export that are taken over, or that say nothing about what was said. Pure.

All others are counted as losses. The lists are of fields that are known from exports; OpenAI often adds some.
"""

from __future__ import annotations

CONVERSATION = frozenset(
    "title create_time update_time mapping current_node conversation_id id is_archived is_starred default_model_slug"
    " gizmo_id gizmo_type conversation_template_id moderation_results plugin_ids safe_urls blocked_urls"
    " conversation_origin voice async_status disabled_tool_ids is_do_not_remember memory_scope context_scopes"
    " sugar_item_id sugar_item_visible is_study_mode owner is_read_only pinned_time atlas_mode_enabled".split()
)
NODE = frozenset("id message parent children".split())
MESSAGE = frozenset(
    "id author create_time update_time content status end_turn weight metadata recipient channel".split()
)

METADATA = frozenset(
    # taken over
    "model_slug attachments content_references user_context_message_data is_user_system_message aggregate_result"
    " is_visually_hidden_from_conversation"
    # how a request was served
    " default_model_slug message_type parent_id request_id timestamp_ finish_details is_complete message_source"
    " turn_exchange_id serialization_metadata status command args kwargs recipient invoked_plugin jit_plugin_data"
    " resolved_model_slug requested_model_slug model_adjustments thinking_effort classifier_response is_error can_save"
    " filter_out_for_training shared_conversation_id is_loading_message permissions initial_text connector_source"
    " sonic_classification_result exclude_after_next_user_message rebase_system_message rebase_developer_message"
    " system_hints selected_sources selected_github_repos selected_all_github_repos caterpillar_selected_sources"
    " developer_mode_connector_ids selected_mcp_sources gizmo_id inline_gizmo_id chatgpt_sdk no_auth_ranking_eligible"
    " trigger_async_ux async_task_id async_task_title async_task_type async_task_created_at async_task_conversation_id"
    " async_task_original_message_id async_task_prompt async_task_status_messages deep_research_version"
    " paragen_variants_info paragen_variant_choice paragen_stream_type real_time_audio_has_video voice_mode_message"
    # how it is shown
    " citations safe_urls blocked_urls search_queries search_result_groups search_source search_turns_count"
    " search_display_string searched_display_string search_model_queries debug_sonic_thread_id image_results"
    " image_gen_title image_gen_async image_gen_multi_stream dictation dictation_edited dictation_asset_pointer"
    " targeted_reply targeted_reply_label targeted_reply_source_message_id reasoning_status reasoning_title"
    " reasoning_group_id skip_reasoning_title finished_duration_sec finished_text initial_text source_analysis_msg_id"
    " summarization_headline canvas cloud_doc_url ada_visualizations".split()
)
CONTENT = frozenset(
    "content_type parts text result language response_format_name url domain title tether_id name summary assets"
    " thoughts source_analysis_msg_id content user_profile user_instructions model_set_context repository repo_summary"
    " structured_context snippet crawl_date pub_timestamp pub_date ref_id computer_id screenshot state"
    " is_ephemeral".split()
)
PIECE = frozenset(
    "content_type asset_pointer size_bytes width height fovea metadata text direction decoding_id format"
    " expiry_datetime frames_asset_pointers video_container_asset_pointer audio_asset_pointer audio_start_timestamp"
    " tool_audio_direction".split()
)
FILES = frozenset("chat.html user.json shared_conversations.json message_feedback.json export_manifest.json".split())
"""The files of an export that are read, or that have nothing that is not in another one."""
